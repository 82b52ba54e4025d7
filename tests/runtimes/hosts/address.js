/**
 * address: a program that imports the package by its address, as from a CDN, without anything installed
 */
import { suiteInPlace } from "./in-place.js";

console.log(`# Deno ${globalThis.Deno.version.deno}`);
console.log(await suiteInPlace(1));
