// Writes src/lib/api/openapi.gen.ts from docs/openapi.json: `npm run api`. The generator lives in a package of its own
// because it needs TypeScript 5. Only the schemas are wanted: paths and parameters are in src/lib/api/queries.ts.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../../docs/openapi.json", import.meta.url);
const target = new URL("../../src/lib/api/openapi.gen.ts", import.meta.url);
const { openapi, info, components } = JSON.parse(readFileSync(source, "utf8"));
const ast = await openapiTS({ openapi, info, paths: {}, components: { schemas: components.schemas } });
writeFileSync(target, `// Made by \`npm run api\` from docs/openapi.json. Do not edit.\n\n${astToString(ast)}`);
