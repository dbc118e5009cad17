// A GA client on the `ws` package: one text turn, one audio turn by server VAD. Prints one JSON line.
// Usage: node turns.mjs <websocket url> <key>
import WebSocket from "ws";

const [url, key] = process.argv.slice(2);
const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${key}` } });
const seen = [];
const audio = { bytes: 0 };
let text = "";
const waiting = [];

const send = (event) => socket.send(JSON.stringify(event));

function until(type) {
  return new Promise((resolve) => waiting.push({ type, resolve }));
}

socket.on("message", (data) => {
  const event = JSON.parse(data.toString());
  seen.push(event.type);
  if (event.type === "response.output_text.delta") text += event.delta;
  if (event.type === "response.output_audio.delta") audio.bytes += Buffer.from(event.delta, "base64").length;
  if (event.type === "error") fail(JSON.stringify(event.error));
  for (const wait of waiting.filter((w) => w.type === event.type)) {
    waiting.splice(waiting.indexOf(wait), 1);
    wait.resolve(event);
  }
});
socket.on("error", (error) => fail(error.message));

function fail(message) {
  console.error(message);
  process.exit(1);
}

// 20 ms of 24 kHz PCM16, as a voice client sends fifty times a second.
function append(loudness) {
  const chunk = Buffer.alloc(960);
  for (let i = 0; i < 480; i++) chunk.writeInt16LE(Math.round(loudness * Math.sin(i / 4)), i * 2);
  send({ type: "input_audio_buffer.append", audio: chunk.toString("base64") });
}

await until("session.created");
send({ type: "session.update", session: { type: "realtime", output_modalities: ["text"] } });
await until("session.updated");
send({
  type: "conversation.item.create",
  item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hello from Node" }] },
});
send({ type: "response.create" });
const textTurn = await until("response.done");

send({ type: "session.update", session: { type: "realtime", output_modalities: ["audio"] } });
await until("session.updated");
const audioDone = until("response.done");
for (let i = 0; i < 50; i++) append(12000);
for (let i = 0; i < 50; i++) append(0);
const audioTurn = await audioDone;

socket.on("close", (code) => {
  console.log(
    JSON.stringify({
      seen, text, audioBytes: audio.bytes, closeCode: code,
      statuses: [textTurn.response.status, audioTurn.response.status],
    }),
  );
});
socket.close(1000);
