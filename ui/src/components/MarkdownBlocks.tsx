//! From marked's tokens to React elements: no HTML string ever exists, so there is nothing to sanitise.

import type { Token, Tokens } from "marked";
import { lazy, type ReactNode, Suspense, useMemo } from "react";
import { piecesOf, showTurns } from "@/lib/visible-text";
import { Code } from "./Code";
import { CopyButton } from "./CopyButton";
import { type MathToken, tokensOf } from "./markdown-tokens";
import styles from "./Markdown.module.css";
import { SentText } from "./SentText";

const Maths = lazy(() => import("./Maths"));

export default function MarkdownBlocks({ text }: { text: string }) {
  const tokens = useMemo(() => tokensOf(text), [text]);
  return <>{blocks(tokens)}</>;
}

const sent = (text: string): ReactNode => <SentText text={text} />;

// Tokens have no identity but their place.
const blocks = (tokens: Token[] | undefined): ReactNode =>
  tokens?.map((token, index) => <Block key={index} token={token} />);

function Block({ token }: { token: Token }): ReactNode {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading": {
      // Headings of a message lie below those of the page.
      const Tag = `h${Math.min(5, (token as Tokens.Heading).depth + 2)}` as "h3" | "h4" | "h5";
      return <Tag>{inline(token.tokens)}</Tag>;
    }
    case "paragraph":
      return <p>{inline(token.tokens)}</p>;
    case "text":
      return token.tokens ? <span>{inline(token.tokens)}</span> : sent((token as Tokens.Text).text);
    case "list":
      return <List list={token as Tokens.List} />;
    case "code":
      return <CodeBlock code={token as Tokens.Code} />;
    case "blockquote":
      return <blockquote>{blocks(token.tokens)}</blockquote>;
    case "table":
      return <Table table={token as Tokens.Table} />;
    case "hr":
      return <hr />;
    case "mathBlock":
      return <MathText tex={(token as MathToken).text} block />;
    default:
      return <p>{sent(token.raw)}</p>;
  }
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, index) => (
    <li key={index}>
      {item.task ? <input type="checkbox" checked={item.checked === true} readOnly disabled aria-label="done" /> : null}
      {blocks(item.tokens)}
    </li>
  ));
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

const CodeBlock = ({ code }: { code: Tokens.Code }) => (
  <div className={styles.block}>
    <header>
      <span>{sent(code.lang || "text")}</span>
      <CopyButton text={code.text} label="Copy code" size={11} />
    </header>
    <Code code={code.text} lang={code.lang} />
  </div>
);

const Table = ({ table }: { table: Tokens.Table }) => (
  <div className={styles.scroll}>
    <table>
      <thead>
        <tr>
          {table.header.map((cell, index) => (
            <th key={index}>{inline(cell.tokens)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, at) => (
          <tr key={at}>
            {row.map((cell, index) => (
              <td key={index}>{inline(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const inline = (tokens: Token[] | undefined): ReactNode =>
  tokens?.map((token, index) => <Inline key={index} token={token} />);

function Inline({ token }: { token: Token }): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return <code>{sent((token as Tokens.Codespan).text)}</code>;
    case "br":
      return <br />;
    case "escape":
      return sent((token as Tokens.Escape).text);
    case "link":
      return <SafeLink link={token as Tokens.Link} />;
    case "image":
      return (
        <span title={showTurns((token as Tokens.Image).href)}>
          [image: {sent((token as Tokens.Image).text || (token as Tokens.Image).href)}]
        </span>
      );
    case "mathInline":
      return <MathText tex={(token as MathToken).text} />;
    case "text":
      return token.tokens ? inline(token.tokens) : sent((token as Tokens.Text).text);
    default:
      return sent(token.raw);
  }
}

/** Only web addresses become links; `javascript:` and the like stay text. */
function SafeLink({ link }: { link: Tokens.Link }) {
  if (!/^https?:\/\//i.test(link.href)) return sent(link.raw);
  return (
    <a href={link.href} target="_blank" rel="noopener noreferrer nofollow">
      {inline(link.tokens)}
    </a>
  );
}

/** A formula; one whose direction is turned is shown as it was written. */
function MathText({ tex, block }: { tex: string; block?: boolean }) {
  if (piecesOf(tex) !== null) return <code>{sent(tex)}</code>;
  return (
    <Suspense fallback={<code>{tex}</code>}>
      <Maths tex={tex} block={block} />
    </Suspense>
  );
}
