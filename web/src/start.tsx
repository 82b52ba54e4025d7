/** What the page shows before there is a model: where to give one, examples, and what it is about. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Story } from "./parts/story.tsx";

export interface StartProps {
  readonly onFiles: (files: readonly File[]) => void;
  readonly disabled: boolean;
  /** Whether the visitor comes back from a model: the heading has the focus then. */
  readonly returned: boolean;
  /** What is under way, or what went wrong. */
  readonly children: ComponentChildren;
}

const examples = [
  {
    file: "experiment.keras",
    name: "The experiment",
    about: "Conv1D, Flatten, Dense: the smallest model that goes wrong",
    sizes: ["128 × 1", "261 parameters"],
  },
  {
    file: "motion.keras",
    name: "Motion",
    about: "A CNN that tells activities from an accelerometer",
    sizes: ["20 × 3", "318 parameters"],
  },
  {
    file: "ecg.keras",
    name: "ECG",
    about: "A residual network that classifies heart beats",
    sizes: ["48 × 3", "864 parameters"],
  },
];

const asFiles = (list: FileList | null) => [...(list ?? [])];

export function Start({ onFiles, disabled, returned, children }: StartProps) {
  const file = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [offline, setOffline] = useState(false);

  useEffect(() => {
    if (returned) heading.current!.focus();
  }, []);
  const openExample = async (name: string) => {
    try {
      const response = await fetch(new URL(`examples/${name}`, document.baseURI));
      if (!response.ok) throw new Error(String(response.status));
      setOffline(false);
      onFiles([new File([await response.blob()], name)]);
    } catch {
      setOffline(true);
    }
  };
  const picked = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    onFiles(asFiles(currentTarget.files));
    // The same file may be picked again.
    currentTarget.value = "";
  };

  return (
    <main class="start">
      <div class="start-give">
        <h1 ref={heading} tabIndex={-1}>
          Keras models in PyTorch, with the same numbers coming out
        </h1>
        <p class="lead">
          Drop a model. See where its axes turn, run both sides, take the PyTorch code away. It all happens in this
          page: nothing is sent anywhere.
        </p>
        <div class="drop">
          <p class="drop-title">Drop a model here, or anywhere on the page</p>
          <p class="drop-buttons">
            <button type="button" class="primary" disabled={disabled} onClick={() => file.current?.click()}>
              Choose files
            </button>
            <button type="button" disabled={disabled} onClick={() => folder.current?.click()}>
              Choose a folder
            </button>
          </p>
          <p class="hint">
            <code>.keras</code>, <code>.h5</code> of Keras 1 to 3, TensorFlow.js <code>model.json</code> with its
            shards, weights with their architecture, <code>.safetensors</code>
          </p>
          <input
            ref={file}
            id="model-files"
            class="away"
            type="file"
            multiple
            tabIndex={-1}
            aria-label="Model files"
            onChange={picked}
          />
          <input
            ref={folder}
            class="away"
            type="file"
            multiple
            tabIndex={-1}
            aria-label="Folder of a model"
            {...{ webkitdirectory: true }}
            onChange={picked}
          />
        </div>
        <div class="start-news">
          {children}
          <p class="hint" role="status">
            {offline && "The example could not be fetched."}
          </p>
        </div>
        <h2 class="small-heading" id="examples">
          Or one of these
        </h2>
        <ul class="examples" aria-labelledby="examples">
          {examples.map(({ file: path, name, about, sizes }) => (
            <li>
              <button type="button" class="example" disabled={disabled} onClick={() => openExample(path)}>
                <b>{name}</b>
                <span>{about}</span>
                <small>
                  {sizes.map((size) => (
                    <span>{size}</span>
                  ))}
                </small>
              </button>
            </li>
          ))}
        </ul>
      </div>
      <Story />
    </main>
  );
}
