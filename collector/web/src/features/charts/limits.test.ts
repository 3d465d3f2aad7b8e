import { expect, it } from "vitest";
import { wordPlaces } from "./limits";

it("keeps the words of two lines apart that are close", () => {
  expect(wordPlaces([40, 80], 150)).toEqual(["above", "above"]);
  expect(wordPlaces([40, 48], 150)).toEqual(["above", "below"]);
  expect(wordPlaces([48, 40], 150)).toEqual(["below", "above"]);
  // At one height, and at the end of the plot.
  expect(wordPlaces([40, 40], 150)).toEqual(["above", "below"]);
  expect(wordPlaces([147, 149], 150)).toEqual(["above", "beside"]);
});
