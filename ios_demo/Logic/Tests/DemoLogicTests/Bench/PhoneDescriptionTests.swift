import Foundation
import MVMoEBench
import Testing

@testable import DemoLogic

@Suite struct PhoneDescriptionTests {
  @Test func aPhoneSaysWhatItIsAndHowItIs() throws {
    let facts = PhoneFacts(
      hardware: "iPhone17,3", system: "iOS 18.5", build: "22F76", memoryBytes: 8_000_000_000, cores: 6,
      availableBytes: 3_000_000_000)
    let described = DeviceDescription.phone(
      BenchEngines([]), Conditions(isLowPowerMode: true, heat: .serious, battery: 81), facts)
    #expect(described.device == "ios")
    let said = try #require(try JSONSerialization.jsonObject(with: Data(described.json().utf8)) as? [String: Any])
    let identity = try #require(said["identity"] as? [String: Any])
    #expect(identity["thermal_status"] as? String == "severe")
    #expect(identity["battery"] as? Int == 81)
    #expect(identity["low_power"] as? Bool == true)
    #expect(identity["memory_available_bytes"] as? Int == 3_000_000_000)
    #expect(identity["model"] as? String == "iPhone17,3")
    #expect(identity["build"] as? String == "22F76")
  }

  @Test func theSystemSaysSomethingHereToo() {
    let facts = PhoneFacts()
    #expect(!facts.hardware.isEmpty && facts.hardware != "unknown")
    #expect(facts.memoryBytes > 1_000_000 && facts.cores > 0)
    #expect(facts.system.contains("."))
  }

  @Test func theBuildIsReadFromWhatTheSystemSays() {
    #expect(PhoneFacts.build(in: "Version 18.5 (Build 22F76)") == "22F76")
    #expect(PhoneFacts.build(in: "Debian GNU/Linux 12") == nil)
  }

  @Test func whatAPhoneIsLikeIsInItsConditions() {
    let known = LastConditions(Conditions())
    let machine = PhoneMachine(machine: FakeMachine(status: nil), known: known)
    known.conditions = Conditions(isLowPowerMode: true, heat: .fair, battery: 40)
    #expect(
      machine.conditions()
        == DeviceConditions(thermal: Thermal(.light), batteryLevel: 40, isLowPowerMode: true))
    #expect(PhoneMachine(machine: FakeMachine(status: .severe), known: known).conditions()?.thermal?.status == .severe)
  }

  @Test func aProcessKnowsHowLongItHasBeenThere() async throws {
    let first = ProcessTimes.now().start
    try await Task.sleep(for: .milliseconds(50))
    #expect(first > 0)
    #expect(ProcessTimes.now().start - first >= 40_000_000)
  }
}
