import { useId } from "react";
import type { Prompt } from "@/lib/api/prompts";
import forms from "@/components/Form.module.css";

export interface About {
  description: string;
  tags: string;
  isPublic: boolean;
}

export const aboutOf = (prompt?: Prompt): About => ({
  description: prompt?.description ?? "",
  tags: prompt?.tags.join(", ") ?? "",
  isPublic: prompt?.is_public ?? false,
});

/** As the API takes it. */
export const bodyOf = ({ description, tags, isPublic }: About) => ({
  description: description.trim(),
  tags: [...new Set(tags.split(",").map((tag) => tag.trim()))].filter(Boolean),
  is_public: isPublic,
});

/** What is said of a prompt besides its versions. */
export function AboutFields({ about, onChange }: { about: About; onChange: (about: About) => void }) {
  const id = useId();
  return (
    <>
      <div className={forms.field}>
        <label htmlFor={`${id}-description`}>Description</label>
        <input
          id={`${id}-description`}
          value={about.description}
          onChange={(event) => onChange({ ...about, description: event.target.value })}
        />
      </div>
      <div className={forms.field}>
        <label htmlFor={`${id}-tags`}>Tags</label>
        <input
          id={`${id}-tags`}
          value={about.tags}
          aria-describedby={`${id}-hint`}
          onChange={(event) => onChange({ ...about, tags: event.target.value })}
        />
        <p id={`${id}-hint`}>Separated by commas.</p>
      </div>
      <label className={forms.check}>
        <input
          type="checkbox"
          checked={about.isPublic}
          onChange={(event) => onChange({ ...about, isPublic: event.target.checked })}
        />
        Public: may be pulled without a key of this workspace
      </label>
    </>
  );
}
