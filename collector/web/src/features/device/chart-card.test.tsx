import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { ChartCard } from "./chart-card";
import { CHARTS } from "./metrics";

const [spec] = CHARTS;
const data = { times: [100, 160], values: [[1, 2], [3, null]], bands: null };

function card(from: number, to: number, isLate = false) {
  if (!spec) throw new Error("no chart");
  return (
    <ChartCard spec={spec} data={data} from={from * 1000} to={to * 1000} gapS={180} live={false}
      asTable isLate={isLate} onZoom={() => {}} onReset={() => {}} />
  );
}

it("says that a range is empty, once that is known", () => {
  const { rerender } = render(card(90, 200));
  expect(screen.queryByText("No data in this range")).toBeNull();
  rerender(card(200, 300, true));
  expect(screen.queryByText("No data in this range")).toBeNull();
  rerender(card(200, 300));
  expect(screen.getByText("No data in this range")).toBeTruthy();
});
