import type { ReactNode } from "react";

/** Fetches the next page of a list, where there is one. */
export function MoreButton(props: {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage(): Promise<unknown> };
  children: ReactNode;
}) {
  const { list, children } = props;
  if (!list.hasNextPage) return null;
  return (
    <p>
      <button type="button" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {children}
      </button>
    </p>
  );
}
