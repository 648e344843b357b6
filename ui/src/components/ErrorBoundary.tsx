import { Component, type ReactNode } from "react";
import { ErrorState } from "./Notice";

interface Props {
  title: string;
  /** A change of this value tries again: the selected run, for example. */
  resetKey?: unknown;
  children: ReactNode;
}

/** One per panel, so that a panel that fails leaves the others alive. */
export class ErrorBoundary extends Component<Props, { error: unknown; key: unknown }> {
  state = { error: null, key: this.props.resetKey };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: { error: unknown; key: unknown }) {
    return props.resetKey === state.key ? null : { error: null, key: props.resetKey };
  }

  render() {
    if (this.state.error === null) return this.props.children;
    return (
      <ErrorState title={this.props.title} error={this.state.error} onRetry={() => this.setState({ error: null })} />
    );
  }
}
