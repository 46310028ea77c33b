using System.Globalization;
using DistNet.Worker.Node;

namespace DistNet.Cli.Consoles;

/// <summary>Shows a worker's life: a line for each change, as text or as JSON.</summary>
internal sealed class WorkerDisplay : IWorkerObserver
{
    private readonly TextWriter output;
    private readonly TextWriter errors;
    private readonly bool quiet;
    private readonly bool json;

    private WorkerDisplay(TextWriter output, TextWriter errors, bool quiet, bool json)
    {
        this.output = output;
        this.errors = errors;
        this.quiet = quiet;
        this.json = json;
    }

    public static WorkerDisplay Create(Terminal terminal, bool quiet, bool json) => new(terminal.Output, terminal.Errors, quiet, json);

    public void OnJoined(WorkerSessionInfo session)
    {
        if (json)
        {
            JsonLines.Write(output, writer =>
            {
                writer.WriteString("event", "joined");
                writer.WriteString("worker", session.Worker);
                writer.WriteString("run", session.Run);
                writer.WriteNumber("term", session.Term);
                writer.WriteString("transport", session.Transport);
            });
        }
        else
        {
            Line(string.Create(CultureInfo.InvariantCulture, $"{session.Worker} takes part in run {session.Run[..8]}, term {session.Term}; tensors go over {session.Transport}"));
        }
    }

    public void OnSeeking(string sentence) => Tell("seeking", sentence);

    public void OnMessage(string sentence) => Tell("message", sentence);

    public void OnWarning(string sentence)
    {
        if (json)
        {
            Tell("warning", sentence);
        }
        else
        {
            errors.WriteLine($"warning: {sentence}");
            errors.Flush();
        }
    }

    public void Ended(WorkerEnd end)
    {
        string why = end.Kind == WorkerEndKind.RunOver ? "The run is over" : "Asked to stop";
        string sentence = string.Create(CultureInfo.InvariantCulture, $"{why}: {end.Samples:#,0} samples computed in {end.Sessions} {(end.Sessions == 1 ? "session" : "sessions")}.");
        if (json)
        {
            JsonLines.Write(output, writer =>
            {
                writer.WriteString("event", "ended");
                writer.WriteString("message", sentence);
                writer.WriteNumber("samples", end.Samples);
                writer.WriteNumber("sessions", end.Sessions);
                writer.WriteNumber("allocated_kilobytes_per_shard", Math.Round(end.AllocatedBytesPerShard / 1000, 2));
            });
        }
        else
        {
            Line(sentence);
        }
    }

    private void Tell(string kind, string sentence)
    {
        if (json)
        {
            JsonLines.Write(output, writer =>
            {
                writer.WriteString("event", kind);
                writer.WriteString("message", sentence);
            });
        }
        else
        {
            Line(sentence);
        }
    }

    private void Line(string text)
    {
        if (!quiet)
        {
            output.WriteLine(text);
            output.Flush();
        }
    }
}
