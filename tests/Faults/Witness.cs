using System.Globalization;
using System.Text;
using Microsoft.Diagnostics.Runtime;

namespace DistNet.Faults;

/// <summary>Tells what the command's processes are at while they still live: what a run waits for that does not go on stands on no console.</summary>
internal static class Witness
{
    private const int Frames = 24;

    /// <summary>Writes to the error stream, for every process of the command, the stacks of its managed threads. Each stands still while it is read.</summary>
    /// <returns>True: for the filter of an exception, which is the last to see them.</returns>
    public static bool Testifies()
    {
        StringBuilder told = new();
        foreach (int process in Vitals.Processes("DistNet.Cli.dll").Order())
        {
            told.AppendLine(CultureInfo.InvariantCulture, $"== process {process}: {Vitals.Command(process)}");
            try
            {
                Tell(process, told);
            }
            catch (Exception unread) when (unread is not OutOfMemoryException)
            {
                // What a filter throws counts as false, and the failure would end this program without its sentence.
                told.AppendLine(CultureInfo.InvariantCulture, $"   cannot be read: {unread.Message}");
            }
        }

        Console.Error.Write(told);
        return true;
    }

    private static void Tell(int process, StringBuilder told)
    {
        using DataTarget target = DataTarget.AttachToProcess(process, suspend: true);
        if (target.ClrVersions is not [ClrInfo version, ..])
        {
            told.AppendLine("   has no runtime yet");
            return;
        }

        using ClrRuntime runtime = version.CreateRuntime();
        foreach (ClrThread thread in runtime.Threads.Where(thread => thread.IsAlive))
        {
            string[] frames = [.. thread.EnumerateStackTrace().Select(frame => frame.ToString() ?? "").Where(frame => frame.Length > 0).Take(Frames)];
            if (frames.Any(frame => !frame.StartsWith('[')))
            {
                told.AppendLine(CultureInfo.InvariantCulture, $"   thread {thread.OSThreadId}").AppendJoin('\n', frames.Select(frame => $"      {frame}")).AppendLine();
            }
        }
    }
}
