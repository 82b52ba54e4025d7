/** An edge function of Vercel and Next, as their runtime starts it. */
import { handle } from "./edge.js";

addEventListener("fetch", (event) => event.respondWith(handle(event.request)));
