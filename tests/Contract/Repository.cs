using System.Diagnostics;

namespace DistNet.Contract.Tests;

/// <summary>The working tree that these tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] IgnoredFolders = [".git", "bin", "obj", "runs", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts", "__pycache__"];

    /// <summary>The folder that holds DistNet.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The files under version control, relative to <see cref="Root"/>, with forward slashes. Where git is missing (a source
    /// archive), all files but build outputs.</summary>
    public static IReadOnlyList<string> Files { get; } = TrackedFiles() ?? [.. AllFiles(Root)];

    /// <summary>Files below a folder with an extension.</summary>
    public static IEnumerable<string> Below(string folder, string extension) =>
        Files.Where(file => file.StartsWith(folder + "/", StringComparison.Ordinal) && file.EndsWith(extension, StringComparison.Ordinal));

    /// <summary>The text of a file named relative to <see cref="Root"/>.</summary>
    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DistNet.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds DistNet.sln.");
    }

    private static List<string>? TrackedFiles()
    {
        try
        {
            ProcessStartInfo start = new("git", ["-C", Root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process git = Process.Start(start)!;
            string output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            List<string> files = [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(file => File.Exists(Path.Combine(Root, file)))];
            return git.ExitCode == 0 && files.Count > 0 ? files : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static IEnumerable<string> AllFiles(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
        }

        foreach (string inner in Directory.EnumerateDirectories(folder).Where(inner => !IgnoredFolders.Contains(Path.GetFileName(inner))))
        {
            foreach (string file in AllFiles(inner))
            {
                yield return file;
            }
        }
    }
}
