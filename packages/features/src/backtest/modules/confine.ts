/** Globals that reach outside the thread, or tell the time or chance of the machine: a run that reads them is not repeatable. */
const refusedGlobals = [
  "process",
  "fetch",
  "WebSocket",
  "EventSource",
  "BroadcastChannel",
  "performance",
  "crypto",
  "navigator",
  "localStorage",
  "sessionStorage",
] as const;

const refusal = (what: string, instead: string) => new Error(`it uses ${what}; ${instead}`);

/**
 * Takes from this thread, for good, what a strategy may not use: each throws an error that names it. `Math.random` throws until a run puts
 * a seeded one in its place. Dates of given times stay.
 */
export function confineThread(): void {
  for (const name of refusedGlobals) {
    Object.defineProperty(globalThis, name, {
      configurable: false,
      get() {
        throw refusal(name, "a strategy decides by its context alone");
      },
    });
  }
  Math.random = () => {
    throw refusal("Math.random outside a run", "it is seeded for decisions");
  };
  const refuseClock = (): never => {
    throw refusal("the clock", "the time of a decision is context.nowMs");
  };
  Date.now = refuseClock;
  const dated = new Proxy(Date, {
    apply: refuseClock,
    construct: (target, args: unknown[], newTarget) =>
      args.length === 0 ? refuseClock() : (Reflect.construct(target, args, newTarget) as Date),
  });
  Date.prototype.constructor = dated;
  globalThis.Date = dated;
}
