/** Files that are dropped on the page, those of folders too. */
import { useEffect, useState } from "preact/hooks";
import { Refused } from "./engine.ts";

/** Files in one drop that are looked at; the worker says what to do about more than a model has. */
const mostFiles = 65;

/** Takes files dropped anywhere, of folders when they are listed; gives whether some are held over the page. */
export function useDrop(onFiles: (files: Promise<readonly File[]>) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const own = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const drag = (event: DragEvent) => {
      if (!own(event)) return;
      // What a part of the page takes for itself is not held over the page.
      setOver(!event.defaultPrevented);
      event.preventDefault();
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!own(event) || event.defaultPrevented) return;
      event.preventDefault();
      onFiles(filesOf(event.dataTransfer!));
    };
    window.addEventListener("dragover", drag);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", drag);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, [onFiles]);
  return over;
}

async function filesOf(transfer: DataTransfer): Promise<File[]> {
  // Entries have to be taken before anything is waited for.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const files: File[] = [];
  const queue = [...entries];
  for (let entry = queue.shift(); entry && files.length < mostFiles; entry = queue.shift()) {
    if (entry.isDirectory) queue.push(...(await listing(entry as FileSystemDirectoryEntry)));
    else files.push(await fileOf(entry as FileSystemFileEntry));
  }
  return files;
}

async function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise<File>((resolve, reject) => entry.file(resolve, reject)).catch(unreadable(entry));
}

/** A folder is listed in pieces; an empty one is the last. */
async function listing(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const next = () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await next().catch(unreadable(folder));
    if (some.length === 0 || all.length > mostFiles) return all;
    all.push(...some);
  }
}

/** What the browser does not let the page read of what was dropped. */
function unreadable({ fullPath }: FileSystemEntry): (error: DOMException) => never {
  return ({ message }) => {
    const fix = "check that it may be read, or drop the files of the model alone";
    throw new Refused({ code: "unreadable-file", message, where: fullPath.split("/").filter(Boolean), fix });
  };
}
