/** A module worker: answers on the port that comes with the number of threads. */
import { suiteInPlace } from "./in-place.js";

addEventListener("message", async ({ data, ports: [port] }) => port.postMessage(await suiteInPlace(data)));
