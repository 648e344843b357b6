import {
  Bot,
  Braces,
  FileSearch,
  Grid3x3,
  type LucideIcon,
  ScanText,
  ScrollText,
  ShieldCheck,
  Sparkles,
  Wrench,
} from "lucide-react";
import { type CSSProperties, memo } from "react";
import { cx } from "@/lib/cx";
import styles from "./TypeIcon.module.css";

interface TypeLook {
  label: string;
  /** Custom property that holds its colour. */
  color: string;
  Icon: LucideIcon;
}

const LOOKS: Record<string, TypeLook> = {
  agent: { label: "Agent", color: "--agent", Icon: Bot },
  llm: { label: "LLM", color: "--llm", Icon: Sparkles },
  tool: { label: "Tool", color: "--tool", Icon: Wrench },
  retriever: { label: "Retriever", color: "--retriever", Icon: FileSearch },
  embedding: { label: "Embedding", color: "--embedding", Icon: Grid3x3 },
  chain: { label: "Chain", color: "--chain", Icon: Braces },
  prompt: { label: "Prompt", color: "--chain", Icon: ScrollText },
  parser: { label: "Parser", color: "--chain", Icon: ScanText },
  guardrail: { label: "Guardrail", color: "--guardrail", Icon: ShieldCheck },
};

/** Types that instrumentations invent look like chains and keep their name. */
export function typeLook(type: string): TypeLook {
  return (
    LOOKS[type] ?? { label: type ? type[0].toUpperCase() + type.slice(1) : "Span", color: "--chain", Icon: Braces }
  );
}

/** Sets `--tc`, the type colour, for an element and what is in it. */
export const typeColor = (type: string): CSSProperties => ({ "--tc": `var(${typeLook(type).color})` }) as CSSProperties;

export const TypeIcon = memo(function TypeIcon({ type, large }: { type: string; large?: boolean }) {
  const { label, Icon } = typeLook(type);
  return (
    <span className={cx(styles.type, large && styles.large)} style={typeColor(type)} title={label}>
      <Icon size={large ? 14 : 11} strokeWidth={2.1} aria-hidden />
    </span>
  );
});
