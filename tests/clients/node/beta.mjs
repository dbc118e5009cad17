// The client that LiteLLM's realtime page describes, on the `ws` package: a beta header, an `api-key` header,
// one response.create with flat modalities on open, every message printed as JSON. Ends after the answer.
// Usage: node beta.mjs <websocket url> <key>
import WebSocket from "ws";

const [url, key] = process.argv.slice(2);
const socket = new WebSocket(url, { headers: { "api-key": key, "OpenAI-Beta": "realtime=v1" } });

socket.on("open", () => {
  socket.send(
    JSON.stringify({
      type: "response.create",
      response: { modalities: ["text"], instructions: "Please assist the user." },
    }),
  );
});
socket.on("message", (data) => {
  const event = JSON.parse(data.toString());
  console.log(JSON.stringify(event));
  if (event.type === "response.done") socket.close(1000);
});
socket.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
