/** Uploads: the event says what was stored, the content stays where it was put. */

import { decider, reject, service, view } from "millrace";
import { fileDesk, files, FileUploaded } from "../contract/files.ts";

const BYTES_MAX = 10_000_000;

export const file = decider("file", {
  commands: fileDesk,
  events: { FileUploaded },
  publishes: files,
  initial: { uploaded: false },
})
  .evolve({ FileUploaded: () => ({ uploaded: true }) })
  .decide({
    UploadFile: (upload, { uploaded }) => {
      if (uploaded) return reject("already-uploaded");
      return upload.bytes <= BYTES_MAX ? FileUploaded(upload) : reject("too-large");
    },
  });

export const uploads = view("uploads-by-customer", {
  from: file,
  initial: { count: 0, bytes: 0 },
  id: { FileUploaded: ({ customerId }) => customerId },
}).evolve({
  FileUploaded: ({ count, bytes }, upload) => ({ count: count + 1, bytes: bytes + upload.bytes }),
});

export const fileService = service("files", { file, uploads });
