// Reads NAME.python.v2 with the JavaScript package `hdr-histogram-js`, writes what it says about
// them to javascript.tsv and its own encoding to NAME.javascript.v2; see README.md.

const fs = require("fs");
const path = require("path");
const zlib = require("zlib");
const hdr = require("hdr-histogram-js");

const NAMES = ["empty", "single", "wan_60", "wide_10000", "bounds", "large_counts"];
const PERCENTILES = [0, 50, 90, 99, 99.9, 100];

const file = (name) => path.join(__dirname, name);

/** The package reads and writes only the compressed form: an 8-byte header, then zlib around V2. */
function decode(v2) {
  const compressed = zlib.deflateSync(v2);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0x1c849314, 0);
  header.writeUInt32BE(compressed.length, 4);
  return hdr.decodeFromCompressedBase64(Buffer.concat([header, compressed]).toString("base64"), 64);
}

function encode(histogram) {
  return zlib.inflateSync(Buffer.from(hdr.encodeIntoCompressedBase64(histogram), "base64").subarray(8));
}

const rows = [["name", "count", "mean_us", ...PERCENTILES.map((p) => `p${p}_us`)]];
for (const name of NAMES) {
  const histogram = decode(fs.readFileSync(file(`${name}.python.v2`)));
  fs.writeFileSync(file(`${name}.javascript.v2`), encode(histogram));
  const facts = histogram.totalCount
    ? [histogram.mean, ...PERCENTILES.map((p) => histogram.getValueAtPercentile(p))]
    : Array(1 + PERCENTILES.length).fill("-");
  rows.push([name, BigInt(histogram.totalCount), ...facts]);
}
fs.writeFileSync(file("javascript.tsv"), rows.map((row) => row.join("\t") + "\n").join(""));
