import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { real, window } from "../kernel.ts";

const about = { group: "overlap", inputs: ["close"], outputs: ["value"] } as const;

export const alma = compose({
  ...about,
  name: "alma",
  title: "Arnaud Legoux moving average",
  meaning: "Mean of the last n values with weights of a bell curve that leans towards the newest.",
  source:
    "Legoux and Kouzis-Loukas 2009; the centre offset (n - 1) is not rounded. Some packages apply the weights reversed.",
  params: [
    window(9),
    real("offset", 0.85, 0, 1, "centre of the weights: 1 is the newest bar"),
    real("sigma", 6, 0.1, 1000, "narrowness of the weights"),
  ],
  build(g, p) {
    const n = p[0]!;
    const centre = p[1]! * (n - 1);
    const width = n / p[2]!;
    const w = Float64Array.from({ length: n }, (_, k) =>
      Math.exp(-((k - centre) ** 2) / (2 * width * width)),
    );
    const total = w.reduce((a, b) => a + b, 0);
    for (let k = 0; k < n; k++) w[k] = w[k]! / total;
    return [
      g.mapBack([g.input("close")], n - 1, (o, f, t, x) => {
        for (let i = f; i < t; i++) {
          let value = 0;
          for (let k = 0; k < n; k++) value += x[i - n + 1 + k]! * w[k]!;
          o[i] = value;
        }
      }),
    ];
  },
});

/** State: started?, value. */
export const mcginley: Kernel = {
  ...about,
  name: "mcginley",
  title: "McGinley dynamic",
  meaning: "Average that speeds up when the price runs away from it.",
  source:
    "McGinley 1997, seeded by the first close; k = 1 is the published formula, 0.6 a variant of some platforms.",
  params: [window(10, 1), real("k", 1, 0.01, 100, "multiplies n")],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 2,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    let e = s[1]!;
    for (let i = from; i < to; i++) {
      if (s[0] === 0) {
        s[0] = 1;
        e = x[i]!;
      } else e += (x[i]! - e) / (p[1]! * p[0]! * (x[i]! / e) ** 4);
      out[i] = e;
    }
    s[1] = e;
  },
};
