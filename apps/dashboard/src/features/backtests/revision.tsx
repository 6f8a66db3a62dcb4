import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";
import { ErrorBox } from "../../components/state.tsx";

/** Whether the data is still what a run, or any job, read. */
export function Revision({ of, id }: { of: "getBacktestRevision" | "getJobRevision"; id: string }) {
  const revision = useQuery({
    queryKey: [of, id],
    queryFn: () => api.call(of, { params: { id } }),
  });
  if (revision.isError) return <ErrorBox error={revision.error} retry={() => void revision.refetch()} />;
  if (!revision.isSuccess) return null;
  const { state, detail } = revision.data;
  return state === "same" ? (
    <p className="dim">{detail}</p>
  ) : (
    <div className="notice" role="status">
      {detail}
    </div>
  );
}
