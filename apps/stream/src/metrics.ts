import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** `oldestWaitMs` as Prometheus writes it: `oldest_wait_ms`. */
const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * What the stream says of itself (clients, ticks taken, pending, lost …), in Prometheus' format: a gauge for each fact that
 * is a number, or 1 and 0 for yes and no.
 */
export function createStreamMetrics(facts: () => Record<string, unknown>) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "tapedeck_" });
  const gauges = new Map<string, Gauge>();
  return {
    contentType: registry.contentType,
    async text(): Promise<string> {
      for (const [fact, value] of Object.entries(facts())) {
        if (typeof value !== "number" && typeof value !== "boolean") continue;
        const name = `tapedeck_stream_${snakeCase(fact)}`;
        let gauge = gauges.get(name);
        if (gauge === undefined) {
          gauge = new Gauge({
            name,
            help: `${fact} of the stream, as /healthz shows it`,
            registers: [registry],
          });
          gauges.set(name, gauge);
        }
        gauge.set(Number(value));
      }
      return registry.metrics();
    },
  };
}
