// What a program of Node's users does, with @grpc/grpc-js and the schema's .proto files: `node node.cjs TARGET FOLDER…`.
// Prints one JSON object of what came back.
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [target, ...folders] = process.argv.slice(2);
const reading = { includeDirs: folders, keepCase: true, longs: Number, enums: String, defaults: true };
const files = loader.loadSync("adversarial/v1/node.proto", reading);
const { NodeService } = grpc.loadPackageDefinition(files).adversarial.v1;
const insecure = grpc.credentials.createInsecure();
const client = new NodeService(target, insecure);
const zipping = new NodeService(target, insecure, { "grpc.default_compression_algorithm": 2 });

const failure = (error) => ({
  code: error.code,
  text: error.details,
  details: error.metadata.get("grpc-status-details-bin").length,
});

const call = (method, request, through = client) =>
  new Promise((resolve) => {
    const options = { deadline: Date.now() + 20_000 };
    through[method](request, options, (error, answer) => resolve(error ? failure(error) : answer));
  });

const stream = (request, { stopAfter = Infinity } = {}) =>
  new Promise((resolve) => {
    let rows = 0;
    const chunks = client.StreamNodes(request);
    chunks.on("data", (chunk) => {
      rows += chunk.nodes.length;
      if (rows >= stopAfter) chunks.cancel();
    });
    chunks.on("error", (error) => resolve({ rows, code: error.code }));
    chunks.on("end", () => resolve({ rows, code: 0 }));
  });

const late = () =>
  new Promise((resolve) => {
    client.ListNodes({}, { deadline: Date.now() - 1 }, (error) => resolve(error.code));
  });

async function main() {
  const made = await call("CreateNode", { node: { position: 1, color: "COLOR_RED", label: "ünï", weight: 0 } });
  const large = "z".repeat(1_000_000);
  const zipped = await call("CreateNode", { node: { position: 2, label: large } }, zipping);
  return {
    made,
    got: await call("GetNode", { id: made.id }),
    zipped: zipped.label.length,
    missing: await call("GetNode", { id: "00000000-0000-0000-0000-000000000000" }),
    refused: await call("ListNodes", { filter: "colour = 1" }),
    listed: (await call("ListNodes", { order_by: "position", page_size: 1 })).nodes.map((node) => node.position),
    unimplemented: (
      await new Promise((resolve) => {
        client.makeUnaryRequest("/adversarial.v1.NodeService/Nothing", (x) => x, (x) => x, Buffer.alloc(0), resolve);
      })
    ).code,
    streamed: await stream({}),
    stopped: await stream({}, { stopAfter: 1 }),
    late: await late(),
  };
}

main().then((found) => {
  console.log(JSON.stringify(found));
  process.exit(0);
});
