import { useMemo } from "react";
import { readSetting, writeSetting } from "@/lib/storage";
import { type Column, columnsOf, standardIds } from "./columns";
import type { Unit } from "./search";

export interface Columns {
  shown: Column[];
  /** `null` goes back to the standard columns. */
  choose: (ids: string[] | null) => void;
  custom: boolean;
}

/** The columns on screen: those of the address, else the remembered ones, else the standard ones for this width. */
export function useColumns(
  unit: Unit,
  cols: string | undefined,
  wide: boolean,
  setCols: (cols?: string) => void,
): Columns {
  const setting = `columns.${unit}`;
  const chosen = cols ?? readSetting(setting) ?? undefined;
  const shown = useMemo(() => {
    const found = chosen === undefined ? [] : columnsOf(chosen.split(","), unit);
    return found.length > 0 ? found : columnsOf(standardIds(unit, wide), unit);
  }, [chosen, unit, wide]);
  return {
    shown,
    custom: chosen !== undefined,
    choose: (ids) => {
      const text = ids === null ? undefined : ids.join(",");
      writeSetting(setting, text ?? null);
      setCols(text);
    },
  };
}
