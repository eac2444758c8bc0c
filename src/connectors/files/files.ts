/** `millrace/files`: files as sources and sinks. */

export type { FileDisk, OpenFile } from "./disk/file-disk.ts";
export { fileSink, type FileSinkOptions } from "./file-sink.ts";
export { fileSource, type FileSourceOptions } from "./file-source.ts";
export type { Source, SourceContext } from "../../service/inbound.ts";
