import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";

const PLUGINS = [remarkGfm];

/** Markdown as elements of the page. HTML in it is shown as text, and links lead to http, https and mailto alone. */
export default function Markdown({ text }: { text: string }) {
  return (
    <ReactMarkdown
      remarkPlugins={PLUGINS}
      // Pictures of other hosts would tell them who reads this.
      disallowedElements={["img"]}
      components={{
        a: ({ children, href }) => (
          <a href={href} rel="noreferrer noopener" {...(href?.startsWith("/") ? {} : { target: "_blank" })}>
            {children}
          </a>
        ),
      }}
    >
      {text}
    </ReactMarkdown>
  );
}
