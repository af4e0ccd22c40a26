/// What all screens say.
public enum AppPhrase: String, Phrase {
  public static let table = "App"

  case appName = "app_name"
  case tabTry = "tab_try"
  case opening
  case noModel = "no_model"
  case modelSubtitle = "model_subtitle"
  case bundle
  case bundleDescription = "bundle_description"
  case bundlePick = "bundle_pick"
  case bundleOwn = "bundle_own"
  case noAllExperts = "no_all_experts"
  case units
  case noOwnBundle = "no_own_bundle"
  case endedWhileOpening = "ended_while_opening"
  case backgroundOpening = "background_opening"
  case backgroundAnswering = "background_answering"
  case lowPower = "low_power"
  case thermalFair = "thermal_fair"
  case thermalSerious = "thermal_serious"
  case thermalCritical = "thermal_critical"
}
