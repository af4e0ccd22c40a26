"""Readers of *What is in memory* that are wrong in one thing each, as ports tend to be."""

from contextlib import contextmanager

from page_residency import Copy, PageReader, RefusedError

from mvmoe_deploy.errors import EngineError

# Which graph goes.


class EvictsTheMostRecentlyUsed(PageReader):
    def candidates(self, entry):
        return super().candidates(entry)[::-1]


class EvictsTheFirstLoaded(PageReader):
    def hit(self, entry):
        entry.copy.users += 1
        if entry.last_use == 0 or entry.name not in self.resident[:-1]:
            self.touch(entry)
        return entry.copy


class EvictsTheLargest(PageReader):
    def candidates(self, entry):
        return sorted(super().candidates(entry), key=lambda other: -other.bytes)


class EvictsPinned(PageReader):
    def candidates(self, entry):
        loaded = [self.entries[name] for name in self.resident]
        return [other for other in loaded if other is not entry]


class EvictsAllThatIsNotPinned(PageReader):
    def make_room(self, entry):
        if not (self.fits_stage(entry) and self.fits_bytes(entry)):
            for other in self.candidates(entry):
                self.drop(other)


class FullStageEvictsAnyStage(PageReader):
    def stage_candidates(self, entry):
        return self.candidates(entry)


class FullMemoryEvictsItsStageOnly(PageReader):
    def make_room(self, entry):
        for other in self.stage_candidates(entry):
            if not (self.fits_stage(entry) and self.fits_bytes(entry)):
                self.drop(other)


class BytesBeforeExperts(PageReader):
    def make_room(self, entry):
        for other in self.candidates(entry):
            if not self.fits_bytes(entry):
                self.drop(other)
        for other in self.stage_candidates(entry):
            if not self.fits_stage(entry):
                self.drop(other)


class NeverEvictsWhatIsUsed(PageReader):
    def candidates(self, entry):
        return [other for other in super().candidates(entry) if not other.copy.users]


class UsedWhenTheLoadBegins(PageReader):
    def read(self, entry):
        self.touch(entry)
        self.began = entry
        return super().read(entry)

    def hit(self, entry):
        if entry.copy.users == 0 and getattr(self, "began", None) is entry:
            entry.copy.users += 1
            self.began = None
            return entry.copy
        return super().hit(entry)


class UsedWhenTheCallEnds(PageReader):
    def use(self, entry):
        number = super().use(entry)
        self.touch(entry)
        return number


# What counts.


class OneTooMany(PageReader):
    def fits_stage(self, entry):
        mates = [other for other in self.counting(entry) if other.stage == entry.stage]
        return self.most is None or len(mates) <= self.most


class OneTooFew(PageReader):
    def fits_stage(self, entry):
        mates = [other for other in self.counting(entry) if other.stage == entry.stage]
        return self.most is None or len(mates) + 1 < self.most


class BytesBelowTheLimit(PageReader):
    def fits_bytes(self, entry):
        total = entry.bytes + sum(other.bytes for other in self.counting(entry))
        return self.room is None or total < self.room


class BytesOfOthersOnly(PageReader):
    def fits_bytes(self, entry):
        return self.room is None or sum(o.bytes for o in self.counting(entry)) <= self.room


class ExpertsOfAllStages(PageReader):
    def fits_stage(self, entry):
        return self.most is None or len(self.counting(entry)) + 1 <= self.most

    def stage_candidates(self, entry):
        return self.candidates(entry)


class BytesOfOneStage(PageReader):
    def fits_bytes(self, entry):
        mates = [other for other in self.counting(entry) if other.stage == entry.stage]
        return self.room is None or entry.bytes + sum(o.bytes for o in mates) <= self.room


class PinnedDoNotCount(PageReader):
    def counting(self, entry):
        return [other for other in super().counting(entry) if not other.pinned]


class LoadingDoesNotCount(PageReader):
    def counting(self, entry):
        return [other for other in super().counting(entry) if other.copy is not None]


class EvictedButUsedCounts(PageReader):
    def fits_bytes(self, entry):
        held = sum(self.entries[copy.graph.name].bytes for copy in self.given_up)
        total = entry.bytes + sum(other.bytes for other in self.counting(entry))
        return self.room is None or total + held <= self.room


class StemCounts(PageReader):
    def fits_bytes(self, entry):
        total = 1000 + entry.bytes + sum(other.bytes for other in self.counting(entry))
        return self.room is None or total <= self.room


class ExpertsAreLimitedOnly(PageReader):
    def fits_bytes(self, entry):
        return True


class BytesAreLimitedOnly(PageReader):
    def fits_stage(self, entry):
        return True


class RefusesWhatDoesNotFit(PageReader):
    def make_room(self, entry):
        super().make_room(entry)
        if not (self.fits_stage(entry) and self.fits_bytes(entry)):
            raise RefusedError("limit.memory")


class DoesNotCacheWhatDoesNotFit(PageReader):
    def trim(self, entry):
        super().trim(entry)
        if not (self.fits_stage(entry) and self.fits_bytes(entry)):
            self.drop(entry)


class AnyLimit(PageReader):
    def __init__(self, engine, script, step):
        limits = ("max_resident_experts", "max_resident_bytes")
        kept = {key: value for key, value in step.items() if key not in limits or value > 0}
        super().__init__(engine, script, kept)


class AnyPin(PageReader):
    def pin(self, pin):
        try:
            super().pin(pin)
        except RefusedError:
            return


class PinsTheFirstStageOnly(PageReader):
    def pin(self, pin):
        super().pin(pin)
        if not isinstance(pin, str):
            for entry in self.entries.values():
                entry.pinned = entry.pinned and entry.stage == 0


class LoadsPinnedWhenOpened(PageReader):
    def __init__(self, engine, script, step):
        super().__init__(engine, script, step)
        for entry in self.entries.values():
            if entry.pinned:
                entry.copy = Copy(self.read(entry))


# Loads.


class MakesRoomAfterTheLoad(PageReader):
    def make_room(self, entry):
        if entry.copy is not None:
            super().make_room(entry)


class MakesRoomBeforeTheLoadOnly(PageReader):
    def trim(self, entry):
        return


class LoadsForEachWhoAsks(PageReader):
    def take(self, entry):
        with self.changed:
            entry.load = None
        return super().take(entry)


class OneLoadAtATime(PageReader):
    def take(self, entry):
        with self.changed:
            others = self.entries.values()
            self.wait(lambda: entry.load or not any(other.load for other in others))
        return super().take(entry)


class OneLoadAtATimeForCold(PageReader):
    """What is in memory does not wait."""

    def take(self, entry):
        with self.changed:
            others = self.entries.values()
            if entry.copy is None:
                self.wait(lambda: entry.load or not any(other.load for other in others))
        return super().take(entry)


class KeepsAFailure(PageReader):
    def take(self, entry):
        if getattr(entry, "failed", None):
            raise EngineError("failed before", code=entry.failed)
        return super().take(entry)

    def load_failed(self, entry, load, error):
        super().load_failed(entry, load, error)
        entry.failed = load.code


class EachWhoWaitedLoadsAgain(PageReader):
    def load_failed(self, entry, load, error):
        return


class TriesTwice(PageReader):
    def read(self, entry):
        try:
            return super().read(entry)
        except EngineError:
            return super().read(entry)


class InterruptionIsShared(PageReader):
    def load_failed(self, entry, load, error):
        load.code = getattr(error, "code", "engine.failed")


class InterruptedLoadIsNeverTriedAgain(PageReader):
    """The mark that it is being loaded stays; here who asks is refused instead of waiting."""

    def load_failed(self, entry, load, error):
        super().load_failed(entry, load, error)
        entry.stuck = not hasattr(error, "code")

    def take(self, entry):
        if getattr(entry, "stuck", False):
            raise EngineError("still being loaded", code="engine.failed")
        return super().take(entry)


class FailedLoadCounts(PageReader):
    def counting(self, entry):
        found = super().counting(entry)
        failed = [o for o in self.entries.values() if getattr(o, "failed", 0) and o.copy is None]
        return found + [other for other in failed if other is not entry and other not in found]

    def load_failed(self, entry, load, error):
        super().load_failed(entry, load, error)
        entry.failed = True


class EvictedComesBackAfterAFailure(PageReader):
    """Evicts for good only once the load has succeeded."""

    def make_room(self, entry):
        before = {name: self.entries[name].copy for name in self.resident}
        super().make_room(entry)
        entry.before = before

    def drop(self, entry):
        entry.copy = None

    def load_failed(self, entry, load, error):
        super().load_failed(entry, load, error)
        for name, copy in entry.before.items():
            self.entries[name].copy = copy


# Use.


class FreesWhatIsUsed(PageReader):
    def drop(self, entry):
        copy, entry.copy = entry.copy, None
        if copy is not None:
            copy.graph.free()


class NeverFreesWhatWasUsed(PageReader):
    def drop(self, entry):
        copy, entry.copy = entry.copy, None
        if copy is not None and copy.users:
            self.kept = [*getattr(self, "kept", []), copy]
        elif copy is not None:
            copy.graph.free()


class TakesBackWhatIsStillUsed(PageReader):
    """A copy that was evicted but is in use serves again."""

    def take(self, entry):
        with self.changed:
            for copy in self.given_up:
                if copy.graph.name == entry.name and entry.copy is None:
                    self.given_up.remove(copy)
                    entry.copy = copy
                    return self.hit(entry)
        return super().take(entry)


class HoldsAllStagesUntilTheEnd(PageReader):
    def ask(self, graphs):
        with self.call():
            self.stem.copy.graph.run()
            copies, numbers = [], []
            try:
                for name in graphs:
                    copies.append(self.take(self.entries[name]))
                    numbers.append(copies[-1].graph.run())
                return numbers
            finally:
                with self.changed:
                    for copy in copies:
                        copy.users -= 1
                        if copy.users == 0 and copy in self.given_up:
                            self.given_up.remove(copy)
                            copy.graph.free()


class LoadsAllStagesFirst(PageReader):
    def ask(self, graphs):
        with self.call():
            self.stem.copy.graph.run()
            copies = [self.take(self.entries[name]) for name in graphs]
            with self.changed:
                for copy in copies:
                    copy.users -= 1
            return [copy.graph.run() for copy in copies]


class EvictsWhatFailsToRun(PageReader):
    def use(self, entry):
        try:
            return super().use(entry)
        except EngineError as error:
            with self.changed:
                if error.code == "engine.run-failed":
                    self.drop(entry)
            raise


# Files.


class NeverLooksAtFiles(PageReader):
    def require_same(self, entry):
        return


class LooksBeforeTheLoadOnly(PageReader):
    def read(self, entry):
        self.require_same(entry)
        return self.engine.load(entry.name)


class LooksAfterTheLoadOnly(PageReader):
    def read(self, entry):
        graph = self.engine.load(entry.name)
        try:
            self.require_same(entry)
        except RefusedError:
            graph.free()
            raise
        return graph


class LooksAtEachRequest(PageReader):
    def take(self, entry):
        self.require_same(entry)
        return super().take(entry)


class LooksAtEveryFile(PageReader):
    def read(self, entry):
        for other in [self.stem, *self.entries.values()]:
            if other.sha256:
                self.require_same(other)
        return super().read(entry)


class ComparesSizeAndTimeOnly(PageReader):
    def identity(self, entry):
        found = self.engine.file(entry.name).lstat()
        return (found.st_size, found.st_mtime_ns)


class IdentityDecides(PageReader):
    def content(self, entry):
        return f"{super().content(entry)} {self.identity(entry)}"


class FollowsLinks(PageReader):
    def require_same(self, entry):
        file = self.engine.file(entry.name)
        if not file.exists() or self.content(entry) != entry.sha256:
            raise RefusedError("bundle.replaced")


class MissingFileIsMissing(PageReader):
    def require_same(self, entry):
        if not self.engine.file(entry.name).exists():
            raise RefusedError("bundle.file-missing")
        super().require_same(entry)


class ReplacedIsADamagedFile(PageReader):
    def require_same(self, entry):
        try:
            super().require_same(entry)
        except RefusedError as error:
            raise RefusedError("bundle.hash-mismatch") from error


class EngineComesBeforeTheFile(PageReader):
    """What the engine said of a file that was replaced meanwhile is told."""

    def read(self, entry):
        self.require_same(entry)
        graph = self.engine.load(entry.name)
        try:
            self.require_same(entry)
        except RefusedError:
            graph.free()
            raise
        return graph


class OnceReplacedAlwaysRefused(PageReader):
    def require_same(self, entry):
        if getattr(entry, "refused", False):
            raise RefusedError("bundle.replaced")
        try:
            super().require_same(entry)
        except RefusedError:
            entry.refused = True
            raise


# The end.


class ClosesAtOnce(PageReader):
    def close(self):
        with self.changed:
            self.closed = True
            for entry in [self.stem, *self.entries.values()]:
                self.drop(entry)


class BeginsCallsWhileClosing(PageReader):
    @contextmanager
    def call(self):
        with self.changed:
            if self.closed and self.in_flight == 0:
                raise RefusedError("dispatcher.closed")
            self.in_flight += 1
        try:
            yield
        finally:
            with self.changed:
                self.in_flight -= 1
                self.changed.notify_all()


class ClosesOnce(PageReader):
    def close(self):
        if self.closed:
            raise RefusedError("dispatcher.closed")
        super().close()


class SecondCloseDoesNotWait(PageReader):
    def close(self):
        if not self.closed:
            super().close()


class PinnedOutliveTheEnd(PageReader):
    def close(self):
        with self.changed:
            self.closed = True
            self.wait(lambda: self.in_flight == 0)
            for entry in [self.stem, *self.entries.values()]:
                if not entry.pinned:
                    self.drop(entry)


class StemOutlivesTheEnd(PageReader):
    def close(self):
        with self.changed:
            self.closed = True
            self.wait(lambda: self.in_flight == 0)
            for entry in self.entries.values():
                self.drop(entry)


class NoLoadsWhileClosing(PageReader):
    def read(self, entry):
        if getattr(self, "closed", False):
            raise RefusedError("dispatcher.closed")
        return super().read(entry)


class WaitersAreRefusedWhenClosed(PageReader):
    def take(self, entry):
        copy = super().take(entry)
        if self.closed:
            with self.changed:
                copy.users -= 1
            raise RefusedError("dispatcher.closed")
        return copy


# Prewarming.


class PrewarmingEvicts(PageReader):
    def has_room(self, entry):
        return True


class PrewarmingStopsAtWhatDoesNotFit(PageReader):
    def prewarming_order(self):
        order = super().prewarming_order()
        fits = [self.has_room(entry) for entry in order]
        total, most = 0, {}
        for entry in order:
            total += entry.bytes
            most[entry.stage] = most.get(entry.stage, 0) + 1
            if (self.room and total > self.room) or (self.most and most[entry.stage] > self.most):
                return order[: order.index(entry)]
        return order if all(fits) else order[: fits.index(False)]


class PrewarmingInTheOrderOfTheManifest(PageReader):
    def prewarming_order(self):
        return sorted(self.entries.values(), key=lambda entry: not entry.pinned)


class PrewarmingStageByStage(PageReader):
    def prewarming_order(self):
        found = super().prewarming_order()
        return sorted(found, key=lambda entry: (not entry.pinned, entry.stage))


class PrewarmingForgetsPins(PageReader):
    def prewarming_order(self):
        return sorted(self.entries.values(), key=lambda entry: -entry.share)


class PrewarmingOfPinnedOnly(PageReader):
    def prewarming_order(self):
        return [entry for entry in super().prewarming_order() if entry.pinned]


class PrewarmingFails(PageReader):
    def skip(self, entry):
        raise EngineError("does not load", code="engine.load-failed")


class PrewarmingSkipsReplaced(PageReader):
    def prewarm(self):
        try:
            super().prewarm()
        except RefusedError as error:
            if error.code == "dispatcher.closed":
                raise


class PrewarmingGoesOnWhenClosed(PageReader):
    def prewarm(self):
        with self.call():
            for entry in self.prewarming_order():
                if self.has_room(entry):
                    try:
                        self.use(entry)
                    except EngineError:
                        self.skip(entry)


class PrewarmingLeavesOutWhatIsThere(PageReader):
    def has_room(self, entry):
        return entry.copy is None and super().has_room(entry)


# Batches.


class BatchInTheOrderOfTheImages(PageReader):
    def groups(self, images, stage, codes):
        found = {}
        for image, graphs in enumerate(images):
            if image not in codes:
                found.setdefault(graphs[stage], []).append(image)
        return list(found.items())


class BatchImageByImage(PageReader):
    def groups(self, images, stage, codes):
        return [(graphs[stage], [i]) for i, graphs in enumerate(images) if i not in codes]


class BatchInTheOrderOfTheExperts(PageReader):
    def groups(self, images, stage, codes):
        return sorted(super().groups(images, stage, codes))


class BatchEndsAtAFailure(PageReader):
    def ask_batch(self, images):
        with self.call():
            answers = [[] for _ in images]
            for stage in range(len(self.stages)):
                for name, group in self.groups(images, stage, {}):
                    number = self.use(self.entries[name])
                    for image in group:
                        answers[image].append(number)
            return answers, {}


class FailedImagesGoOn(PageReader):
    def groups(self, images, stage, codes):
        return super().groups(images, stage, {})


class ReplacedFailsItsImagesOnly(PageReader):
    def use(self, entry):
        try:
            return super().use(entry)
        except RefusedError as error:
            raise EngineError("replaced", code=error.code) from error


WRONG = [
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, PageReader) and found is not PageReader
]
