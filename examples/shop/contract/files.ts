/** Files that customers upload. Owned by the service `files`. The events carry no content. */

import { command, event, queue, stream } from "millrace";
import { z } from "zod";

const file = z.object({ fileId: z.string() });
const key = { key: (it: { readonly fileId: string }) => it.fileId };
const uploaded = file.extend({
  customerId: z.string(),
  name: z.string().min(1).max(200),
  bytes: z.int().min(0),
  sha256: z.string().length(64),
});

export const FileUploaded = event("file.uploaded", uploaded, key);
export const files = stream("files", { FileUploaded });

export const UploadFile = command("file.upload", uploaded, {
  ...key,
  refuses: ["already-uploaded", "too-large"],
});
export const fileDesk = queue("file-desk", { UploadFile });
