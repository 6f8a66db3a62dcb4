/** A process of WebSocket clients: `wsClients.ts URL COUNT SUBPROTOCOL`; says when all are open and when each has the asked number of deltas. */
import { WebSocket } from "ws";

const [url, count, subprotocol, greeting] = process.argv.slice(2) as [string, string, string, string];
const clients = Number(count);
let received = 0;
let wanted = Infinity;

process.on("message", (message: { broadcasts: number }) => {
  received = 0;
  wanted = clients * message.broadcasts;
  process.send!("counting");
});

for (let opened = 0; opened < clients; opened++) {
  const socket = new WebSocket(url, subprotocol === "" ? [] : [subprotocol], {
    perMessageDeflate: false,
    headers: { authorization: "Bearer bench" },
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  if (greeting !== "") {
    const isBinary = subprotocol === "tapedeck.msgpack";
    const answered = new Promise<void>((resolve) => {
      const look = (data: Buffer) => {
        if (!data.includes("snapshot")) return;
        socket.off("message", look);
        resolve();
      };
      socket.on("message", look);
    });
    socket.send(Buffer.from(greeting, "base64"), { binary: isBinary });
    await answered;
  }
  socket.on("message", () => {
    received += 1;
    if (received === wanted) process.send!("done");
  });
}
process.send!("open");
