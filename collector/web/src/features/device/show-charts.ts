/** Charts below the table are out of sight: what is chosen there leads to them. */
export function showCharts(): void {
  const charts = document.getElementById("charts");
  const hidden = charts && charts.getBoundingClientRect().top > innerHeight / 2;
  if (hidden) charts.scrollIntoView({ block: "start" });
}
