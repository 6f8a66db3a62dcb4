import { hasRedis, leaveOutUnless } from "@tapedeck/testkit";
import { faultSuite } from "./suite.ts";

leaveOutUnless(hasRedis, "redis-server")("faults with the queue on Redis", () => faultSuite("redis"));
