using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;

namespace DistNet.Cli.Supervision;

/// <summary>Something that a child did: it wrote a line, or it has ended and all its lines were read.</summary>
/// <param name="Child">The child.</param>
/// <param name="Line">A line of its output; null at its end.</param>
internal readonly record struct ChildNews(ChildProcess Child, string? Line);

/// <summary>A process of the run. It lives no longer than this one: its standard input is a pipe, at whose end, also by this process's sudden death, it ends itself.</summary>
internal sealed class ChildProcess
{
    private const int SignalBase = 128;

    private readonly Process process;
    private string lastWords = "";
    private Task ended = Task.CompletedTask;

    private ChildProcess(string name, Process process)
    {
        Name = name;
        this.process = process;
        Id = process.Id;
    }

    /// <summary>What sentences call it: <c>coordinator</c>, <c>w1</c>, ….</summary>
    public string Name { get; }

    /// <summary>Its number in the system.</summary>
    public int Id { get; }

    /// <summary>Its exit code; known once it has ended.</summary>
    public int ExitCode { get; private set; }

    /// <summary>The last line that it wrote to its error stream, or that it was found to have said; empty for none.</summary>
    public string LastWords
    {
        get => Volatile.Read(ref lastWords);
        set => Volatile.Write(ref lastWords, value);
    }

    /// <summary>How it ended, for a sentence.</summary>
    public string Ending => ExitCode > SignalBase
        ? FormattableString.Invariant($"was killed by signal {ExitCode - SignalBase}")
        : FormattableString.Invariant($"ended with exit code {ExitCode}");

    /// <summary>Starts a child.</summary>
    /// <param name="name">What sentences call it.</param>
    /// <param name="start">Its command; all streams are pipes.</param>
    /// <param name="news">Takes what it does.</param>
    /// <exception cref="DistNetException">The system does not start it.</exception>
    public static ChildProcess Start(string name, ProcessStartInfo start, BlockingCollection<ChildNews> news)
    {
        try
        {
            ChildProcess child = new(name, Process.Start(start)!);
            child.ended = child.ReadAsync(news);
            return child;
        }
        catch (Win32Exception error)
        {
            throw DistNetException.Failed($"The process of {name} cannot be started with '{start.FileName}': {error.Message}.", error);
        }
    }

    /// <summary>Asks for something: a line on its standard input. Nothing happens where it has ended.</summary>
    public void Tell(string line)
    {
        try
        {
            process.StandardInput.WriteLine(line);
            process.StandardInput.Flush();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It has ended; the news of that are on their way.
        }
    }

    /// <summary>Ends its standard input: it ends at once.</summary>
    public void Dismiss()
    {
        try
        {
            process.StandardInput.Close();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It has ended.
        }
    }

    /// <summary>Ends it by force.</summary>
    public void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (Exception error) when (error is InvalidOperationException or Win32Exception)
        {
            // It has ended.
        }
    }

    /// <summary>Waits for its end and for its last line.</summary>
    /// <returns>Whether they came in time.</returns>
    public bool HasEndedWithin(TimeSpan time) => ended.Wait(time);

    private async Task ReadAsync(BlockingCollection<ChildNews> news)
    {
        Task errors = ReadErrorsAsync();
        while (await process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            news.Add(new ChildNews(this, line));
        }

        await errors.ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        ExitCode = process.ExitCode;
        news.Add(new ChildNews(this, null));
    }

    private async Task ReadErrorsAsync()
    {
        while (await process.StandardError.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                LastWords = line.Trim();
            }
        }
    }
}
