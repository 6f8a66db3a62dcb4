import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api.ts";
import { ErrorBox } from "../../components/state.tsx";

/** Was the answer useful? Kept with the job; the last word counts. */
export function FeedbackButtons({ jobId }: { jobId: string }) {
  const [useful, setUseful] = useState<boolean>();
  const [note, setNote] = useState("");
  const give = useMutation({
    mutationFn: (body: { useful: boolean; note: string }) =>
      api.call("giveFeedback", { params: { id: jobId }, body }),
  });
  const choose = (choice: boolean) => {
    setUseful(choice);
    give.mutate({ useful: choice, note });
  };
  return (
    <span className="row">
      {[true, false].map((choice) => (
        <button
          key={String(choice)}
          type="button"
          aria-pressed={useful === choice}
          onClick={() => choose(choice)}
        >
          {choice ? "Useful" : "Not useful"}
        </button>
      ))}
      {useful === undefined ? null : (
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            give.mutate({ useful, note });
          }}
        >
          <input
            aria-label="Note on the answer"
            value={note}
            maxLength={2_000}
            placeholder="Why? (optional)"
            onChange={(event) => setNote(event.target.value)}
          />
          <button>Send</button>
        </form>
      )}
      {give.isSuccess ? <span className="dim">Kept, thank you.</span> : null}
      {give.isError ? <ErrorBox error={give.error} /> : null}
    </span>
  );
}
