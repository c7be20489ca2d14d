// data/afinn.txt -> examples/sentences/streams/sentiment.yaml: the word list as a map in plain Spark SQL, so that the same text
// runs on weir and on Spark. Part of `make data`.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const negations = ["not", "no", "never", "none", "nothing", "nobody", "neither", "nor", "without", "hardly", "cannot", "cant", "isn't",
  "aren't", "wasn't", "weren't", "don't", "doesn't", "didn't", "won't", "wouldn't", "can't", "couldn't", "shouldn't", "hasn't",
  "haven't", "hadn't", "ain't"];
const quoted = (word) => `"${word}"`;
const words = readFileSync(join(root, "data", "afinn.txt"), "utf8").split("\n").filter((line) => /^[a-z'-]+\t-?\d+$/.test(line))
  .map((line) => line.split("\t"));

function wrapped(parts, indent) {
  const lines = [];
  let line = "";
  for (const part of parts) {
    if (line.length + part.length > 116) { lines.push(line); line = ""; }
    line += (line ? " " : "") + part;
  }
  return [...lines, line].map((one) => indent + one).join("\n");
}

const map = words.map(([word, score], i) => `${quoted(word)}, ${score}${i + 1 < words.length ? "," : ""}`);
const nots = negations.map((word, i) => quoted(word) + (i + 1 < negations.length ? "," : ""));
writeFileSync(join(root, "examples", "sentences", "streams", "sentiment.yaml"), `# Sentiment in plain Spark SQL: the sum of each word's AFINN-165 score; a negation among the three words before a word turns
# its score around and weakens it (x -0.74, VADER's factor). A record is a line of text or {"sentence": "..."}.
# Made by tools/data/sentiment.mjs from data/afinn.txt (see NOTICE).
name: sentiment
source:
  topic: sentences
  partitions: 2
  startingOffsets: earliest
sql: |
  SELECT CAST(offset * 2 + partition AS INT) AS id, sentence,
         CASE WHEN score > 0 THEN 'positive' WHEN score < 0 THEN 'negative' ELSE 'neutral' END AS sentimental_analysis
  FROM (
    SELECT offset, partition, sentence,
           aggregate(
             transform(words, (word, i) ->
               coalesce(element_at(scores, word), 0) *
               IF(arrays_overlap(slice(words, greatest(i - 2, 1), least(i, 3)), negations), -0.74D, 1D)),
             0D, (sum, x) -> sum + x) AS score
    FROM (
      SELECT offset, partition, sentence,
             split(trim(regexp_replace(lower(sentence), "[^a-z'-]+", ' ')), ' ') AS words,
             array(
${wrapped(nots, "               ")}) AS negations,
             map(
${wrapped(map, "               ")}) AS scores
      FROM (
        SELECT offset, partition,
               coalesce(get_json_object(CAST(value AS STRING), '$.sentence'), CAST(value AS STRING)) AS sentence
        FROM sentences
      )
    )
  )
sink:
  keyspace: spark_streaming
  table: sentimental_analysis
outputMode: append
`);
console.log(`sentiment: ${words.length} words`);
