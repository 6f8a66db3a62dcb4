import { describe } from "vitest";
import { faultSuite } from "./suite.ts";

describe("faults with the queue on PostgreSQL", () => faultSuite("postgres"));
