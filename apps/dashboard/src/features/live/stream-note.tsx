import { useLive } from "../../live.ts";

/** Where the prices come from, and whether they do. */
export function StreamNote() {
  const { state, hello } = useLive();
  if (state === "away") return <div className="notice">The live stream does not answer; trying again.</div>;
  if (hello === undefined) return <p className="dim">Connecting …</p>;
  if (hello.venue === null) return <div className="notice">This stream has no venue (STREAM_VENUE).</div>;
  if (hello.venue === "recorded")
    return <div className="notice">A recorded session is played: these prices are not of today.</div>;
  return hello.simulated ? (
    <div className="notice">
      Venue <b>{hello.venue}</b>: these prices are made up by this program, for trying it out.
    </div>
  ) : (
    <p className="dim">
      Venue <b>{hello.venue}</b>
    </p>
  );
}
