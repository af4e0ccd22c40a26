import Testing

@testable import MVMoE

@Suite struct RouteTests {
  @Test func itIsAListOfItsExperts() {
    let route: Route = [0, 3]
    #expect(Array(route) == [0, 3])
    #expect(route == Route([0, 3]))
    #expect(route != [0, 2])
    #expect(route != [0])
    #expect([route: "a"][Route([0, 3])] == "a")
    #expect("\(route)" == "[0, 3]")
    #expect(route.last == 3)
  }

  @Test func itComesBeforeThoseThatGoOnFromIt() {
    #expect([[1], [0, 2], [0], [0, 1, 5]].map(Route.init).sorted() == [[0], [0, 1, 5], [0, 2], [1]])
  }

  @Test func theFirstOfALengthNamesThemAll() {
    #expect(Route.first(3) == [0, 1, 2])
    #expect(Route.first(0) == [])
  }
}
