import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton } from "./Button";

interface Props {
  /** The text, or a function when making it costs something. */
  text: string | (() => string);
  label: string;
  showLabel?: boolean;
  size?: number;
  className?: string;
}

export function CopyButton({ text, label, showLabel, size = 13, className }: Props) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1200);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    void copyText(typeof text === "string" ? text : text()).then(setCopied);
  };
  const icon = copied ? <Check size={size} aria-hidden /> : <Copy size={size} aria-hidden />;
  const name = copied ? "Copied" : label;
  return showLabel ? (
    <Button icon={icon} onClick={copy} className={className}>
      {name}
    </Button>
  ) : (
    <IconButton label={name} onClick={copy} className={className}>
      {icon}
    </IconButton>
  );
}

/** Also works on plain http, where `navigator.clipboard` is missing. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
