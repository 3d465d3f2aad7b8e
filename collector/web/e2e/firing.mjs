// A site on which every device that is up has an alert: something to act on, without a wait.
import { oneSite } from "./alert-stack.mjs";
import { until } from "./stack.mjs";

/** As many alerts as there are devices, all firing. */
export async function firingSite() {
  const site = await oneSite();
  try {
    const [{ tenant }] = await site.ask("GET", "/api/v1/devices");
    await site.ask("POST", "/api/v1/rules", {
      tenant: tenant.id, name: "Up long enough", severity: "warning", condition: { kind: "metric", name: "uptime_seconds", is: "above", limit: 1 }, for_s: 0, resolve_after_s: 0,
    });
    const firing = async () => (await site.ask("GET", "/api/v1/alerts?phase=firing")).length >= 3;
    await until("three alerts to fire", firing);
    return site;
  } catch (error) {
    await site.stop();
    throw error;
  }
}
