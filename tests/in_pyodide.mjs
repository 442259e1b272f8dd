// Runs a Python program in Pyodide and prints what it gives; told as JSON on standard input:
//   pyodide   the folder of the npm package        wheels   archives to unpack before it runs
//   program   the text of the program              closed   is Python given no object of JavaScript but WebAssembly?
import {readFileSync} from "node:fs";
import {pathToFileURL} from "node:url";

const {pyodide, wheels, program, closed} = JSON.parse(readFileSync(0, "utf8"));
const {loadPyodide} = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const python = await loadPyodide(closed ? {jsglobals: {WebAssembly}} : {});
for (const wheel of wheels) python.unpackArchive(new Uint8Array(readFileSync(wheel)), "zip");
try {
  console.log(await python.runPythonAsync(program));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
