import { useMemo } from "react";
import { readSetting, writeSetting } from "@/lib/storage";
import { createStore, useStore } from "@/lib/store";
import { type Column, columnsOf, standardIds } from "./columns";
import { type Unit, UNITS } from "./search";

export interface Columns {
  shown: Column[];
  /** `null` goes back to the standard columns. */
  choose: (ids: string[] | null) => void;
  custom: boolean;
}

const setting = (unit: Unit): string => `columns.${unit}`;

const remembered = createStore<Partial<Record<Unit, string>>>(
  Object.fromEntries(UNITS.flatMap((unit) => (readSetting(setting(unit)) ? [[unit, readSetting(setting(unit))]] : []))),
);

/** The columns on screen: those of the address, else the remembered ones, else the standard ones for this width. */
export function useColumns(
  unit: Unit,
  cols: string | undefined,
  wide: boolean,
  setCols: (cols?: string) => void,
): Columns {
  const chosen = useStore(remembered)[unit] ?? undefined;
  const wanted = cols ?? chosen;
  const shown = useMemo(() => {
    const found = wanted === undefined ? [] : columnsOf(wanted.split(","), unit);
    return found.length > 0 ? found : columnsOf(standardIds(unit, wide), unit);
  }, [wanted, unit, wide]);
  return {
    shown,
    custom: wanted !== undefined,
    choose: (ids) => {
      const text = ids?.join(",");
      writeSetting(setting(unit), text ?? null);
      remembered.set({ ...remembered.get(), [unit]: text });
      setCols(text);
    },
  };
}
