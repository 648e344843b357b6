import { keyLabel } from "@/lib/keys";

/** A key as it is written on the keyboard: `<Keys name="Mod+k" />`. */
export const Keys = ({ name }: { name: string }) => <kbd>{keyLabel(name)}</kbd>;
