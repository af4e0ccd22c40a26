"""The JSON of every command is a type, and has the fields that are documented."""

import dataclasses

import msgspec
import pytest
from json_page import documented, routing_tables, verify_tables

from mvmoe_bench.commands.demo import Demo
from mvmoe_bench.commands.report import WrittenReport
from mvmoe_bench.report.run_summary import MeasuredRun
from mvmoe_deploy import part_lookup
from mvmoe_deploy.cli.bundle_view import BundleView
from mvmoe_deploy.cli.error_report import FailedCommand, FailureData, error_report_of
from mvmoe_deploy.commands.convert import ConvertedCheckpoint
from mvmoe_deploy.commands.init import NewCheckpoint
from mvmoe_deploy.commands.pack import NewPack
from mvmoe_deploy.commands.parts import InstalledParts
from mvmoe_deploy.commands.run import ImageAnswers
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.router_health import StageHealth
from mvmoe_deploy.training.training_report import FinishedRun
from mvmoe_deploy.verification import report_data, routers_report

RESULTS = {
    "init": NewCheckpoint,
    "train": FinishedRun,
    "convert": ConvertedCheckpoint,
    "export": BundleView,
    "inspect": BundleView,
    "pack": NewPack,
    "verify": report_data.VerifiedBundle,
    "routing": routers_report.RoutersReport,
    "run": ImageAnswers,
    "bench": MeasuredRun,
    "report": WrittenReport,
    "parts": InstalledParts,
    "demo": Demo,
}


def fields(kind):
    """The names of a type's fields as they stand in JSON."""
    if dataclasses.is_dataclass(kind):
        return {field.name for field in dataclasses.fields(kind)}
    return set(kind.__struct_encode_fields__)


def test_every_command_is_documented_with_its_fields():
    assert documented().keys() == RESULTS.keys() == set(part_lookup.built_in_names("commands"))


@pytest.mark.parametrize("command", RESULTS)
def test_a_result_has_the_documented_fields(command):
    assert fields(RESULTS[command]) == documented()[command]


def test_judged_routers_have_the_documented_fields():
    engine, stage = routing_tables()
    assert fields(routers_report.JudgedRouters) == engine
    assert fields(StageHealth) == stage


def test_a_verified_target_has_the_documented_fields():
    assert fields(report_data.VerifiedTarget) == verify_tables()[1]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (report_data.OutputFigures, "kind measure agreement max_abs_error max_rel_error "
         "rms_error psnr_db"),
        (report_data.ComparedImages, "images outputs"),
        (report_data.RouterFigures, "stage routing_agreement router_max_abs_error "
         "router_max_rel_error router_rms_error margin near_tie_limit"),
        (report_data.MarginFigures, "min p05 p50 p95 max"),
        (report_data.NearTie, "image stage margin route target_route"),
        (report_data.DisagreeingImage, "image stage route target_route margin near_tie"),
        (report_data.RouteFigures, "stage route images outputs forced checked ok"),
        (report_data.FoundFault, "stage route graph operator node layer engine_operator "
         "engine_value error bound reason sentence"),
        (report_data.BrokenBound, "stage route output figure value bound sentence"),
    ],
)  # fmt: skip
def test_what_a_verification_consists_of_has_the_fields_of_the_page(kind, names):
    assert fields(kind) == set(names.split())


def test_an_error_is_a_type_too():
    found = error_report_of(InputError("it", code="input.shape", expected=[1]), "mvmoe").data
    assert found == FailedCommand(FailureData("input.shape", "it", {"expected": [1]}))
    assert msgspec.to_builtins(found) == {
        "error": {"code": "input.shape", "message": "it", "fields": {"expected": [1]}}
    }
