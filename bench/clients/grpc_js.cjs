// Calls a method by @grpc/grpc-js, as bench/clients/README.md says.
const { randomBytes } = require("node:crypto");
const { readFileSync } = require("node:fs");
const grpc = require("@grpc/grpc-js");

const [target, method, file, calls, inFlight, authorization] = process.argv.slice(2);
const requests = readFileSync(file, "ascii").trimEnd().split("\n").map((line) => Buffer.from(line, "hex"));
const client = new grpc.Client(target, grpc.credentials.createInsecure());
const same = (bytes) => bytes;
const counts = {};
let begun = 0;

const call = () =>
  new Promise((resolve) => {
    const metadata = new grpc.Metadata();
    metadata.set("traceparent", `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`);
    metadata.set("authorization", authorization);
    const options = { deadline: Date.now() + 20_000 };
    const request = requests[begun % requests.length];
    client.makeUnaryRequest(method, same, same, request, metadata, options, (error) => {
      const code = error ? error.code : 0;
      counts[code] = (counts[code] ?? 0) + 1;
      resolve();
    });
  });

async function caller() {
  while (begun < Number(calls)) {
    const answered = call();
    begun += 1;
    await answered;
  }
}

Promise.all(Array.from({ length: Number(inFlight) }, caller)).then(() => {
  console.log(JSON.stringify(counts));
  process.exit(0);
});
