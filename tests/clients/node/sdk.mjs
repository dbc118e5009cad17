// OpenAI's own Node SDK, which always dials wss: one text turn. Prints one JSON line.
// Usage: NODE_EXTRA_CA_CERTS=ca.pem node sdk.mjs <https base url> <key> <model>
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const [baseURL, apiKey, model] = process.argv.slice(2);
const realtime = await OpenAIRealtimeWS.create(new OpenAI({ baseURL, apiKey }), { model });
const seen = [];
let text = "";

realtime.on("event", (event) => seen.push(event.type));
realtime.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
realtime.on("session.created", () => {
  realtime.send({ type: "session.update", session: { type: "realtime", output_modalities: ["text"] } });
  realtime.send({
    type: "conversation.item.create",
    item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hello from the SDK" }] },
  });
  realtime.send({ type: "response.create" });
});
realtime.on("response.output_text.delta", (event) => (text += event.delta));
realtime.on("response.done", (event) => {
  console.log(JSON.stringify({ seen, text, status: event.response.status }));
  realtime.close();
});
