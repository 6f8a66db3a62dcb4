import { AppError } from "@tapedeck/core";
import type { ExecutionVenue } from "@tapedeck/core";
import { createPaperVenue } from "./paper.ts";
import type { PaperVenueOptions } from "./paper.ts";

export interface DirectoryAccount {
  id: string;
  tenantId: string;
  venue: string;
  currency: string;
  feeBps: string;
  slippageBps: string;
}

export interface VenueDirectoryOptions extends Omit<PaperVenueOptions, "account"> {
  /** Other venues by the name that accounts give them. A `paper` here takes the place of the built-in one. */
  venues?: Readonly<Record<string, (account: DirectoryAccount) => ExecutionVenue>>;
}

/** Opens the venue of an account: `paper`, or one of those configured. */
export function createVenueDirectory(options: VenueDirectoryOptions): {
  open(account: DirectoryAccount): ExecutionVenue;
} {
  const { venues = {}, ...paper } = options;
  return {
    open(account) {
      const configured = venues[account.venue];
      if (configured !== undefined) return configured(account);
      if (account.venue === "paper") return createPaperVenue({ ...paper, account });
      throw new AppError(
        "venue.unavailable",
        `The venue ${account.venue} is not configured here; there are ${["paper", ...Object.keys(venues)].join(", ")}.`,
      );
    },
  };
}
