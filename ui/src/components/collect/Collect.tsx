import { useMutation } from "@tanstack/react-query";
import { Check, Plus } from "lucide-react";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { cx } from "@/lib/cx";
import { shownName } from "@/lib/visible-text";
import { Button } from "../Button";
import { Dialog } from "../Dialog";
import { FormEnd } from "../Form";
import forms from "../Form.module.css";
import styles from "./Collect.module.css";

/** With more places than these one wants to search. */
const SEARCH_FROM = 8;

export interface Place {
  id: string;
  name: string;
  note?: string;
}

interface Props {
  title: string;
  /** What goes there. */
  what: string;
  many?: boolean;
  /** What a place is called. */
  noun: string;
  places: Place[] | undefined;
  error: unknown;
  onPut: (place: Place) => Promise<unknown>;
  onCreate: (name: string) => Promise<Place>;
  /** The way to the place, once it is there. */
  renderPlace: (place: Place) => ReactNode;
  onClose: () => void;
}

/** Puts something into one of several places, or into a new one. */
export function Collect({ title, what, many, noun, places, error, onPut, onCreate, renderPlace, onClose }: Props) {
  const id = useId();
  const [find, setFind] = useState("");
  // Until something is chosen, the first place is; null is a new one.
  const [chosen, setPicked] = useState<string | null | undefined>(undefined);
  const picked = chosen === undefined ? (places?.[0]?.id ?? null) : chosen;
  const [name, setName] = useState("");
  const put = useMutation({
    mutationFn: async () => {
      const place = creating ? await onCreate(name.trim()) : places?.find((one) => one.id === picked);
      if (!place) throw new Error(`Choose a ${noun} first.`);
      await onPut(place);
      return place;
    },
  });
  const creating = picked === null;
  const shown = places?.filter((place) => place.name.toLowerCase().includes(find.trim().toLowerCase())) ?? [];
  const ready = (creating ? name.trim() !== "" : true) && !put.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) put.mutate();
  };
  if (put.data)
    return (
      <Dialog title={title} width={440} onClose={onClose}>
        <p className={styles.done} role="status">
          <Check size={15} aria-hidden />
          <span>
            {what} {many ? "are" : "is"} in {renderPlace(put.data)}.
          </span>
        </p>
        <div className={forms.answers}>
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={title} width={440} onClose={onClose}>
      <form className={forms.fields} onSubmit={submit}>
        {(places?.length ?? 0) > SEARCH_FROM ? (
          <input
            className={styles.find}
            value={find}
            placeholder={`Find a ${noun}`}
            aria-label={`Find a ${noun}`}
            onChange={(event) => setFind(event.target.value)}
          />
        ) : null}
        {error ? (
          <p className={forms.bad} role="alert">
            {messageOf(error)}
          </p>
        ) : null}
        <div className={styles.places} role="radiogroup" aria-label={title}>
          {shown.map((place) => (
            <label key={place.id} className={cx(styles.place, picked === place.id && styles.picked)}>
              <input
                type="radio"
                name={id}
                checked={picked === place.id}
                onChange={() => {
                  setPicked(place.id);
                  put.reset();
                }}
              />
              <b className="ellipsis">{shownName(place.name)}</b>
              <span>{place.note}</span>
            </label>
          ))}
          <div className={cx(styles.place, creating && styles.picked)}>
            <input
              type="radio"
              name={id}
              checked={creating}
              aria-label={`A new ${noun}`}
              onChange={() => setPicked(null)}
            />
            <Plus size={13} aria-hidden />
            <input
              className={styles.name}
              value={name}
              placeholder={`New ${noun}`}
              aria-label={`Name of a new ${noun}`}
              onFocus={() => setPicked(null)}
              onChange={(event) => setName(event.target.value)}
            />
          </div>
        </div>
        <FormEnd error={put.error} onCancel={onClose} disabled={!ready}>
          {put.isPending ? "Adding…" : creating ? `Create ${noun} and add` : "Add"}
        </FormEnd>
      </form>
    </Dialog>
  );
}
