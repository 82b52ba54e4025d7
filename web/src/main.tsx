/** Starts the page. */
import { render } from "preact";
import { App } from "./app.tsx";
import { keepOffline } from "./offline.ts";
import "./styles/base.css";
import "./styles/start.css";
import "./styles/workspace.css";
import "./styles/chart.css";
import "./styles/panels.css";

render(<App />, document.getElementById("page")!);
keepOffline();
