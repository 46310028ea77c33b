using System.Text.RegularExpressions;
using Xunit;

namespace DistNet.Contract.Tests;

/// <summary>The documentation names only what is there.</summary>
public sealed class DocumentationTests
{
    [Fact]
    public void Every_path_that_the_documentation_names_exists()
    {
        List<string> missing = [];
        foreach ((string file, int line, string text) in Lines())
        {
            foreach (Match match in Regex.Matches(text, @"(?<![\w/.-])(src|tests|bench|examples|datasets|protos|docs)/[\w./-]*"))
            {
                string path = match.Value.TrimEnd('.', '-');
                if (!Exists(path))
                {
                    missing.Add($"{file}:{line}: {path}");
                }
            }
        }

        Assert.True(missing.Count == 0, $"Paths that do not exist:\n{string.Join('\n', missing)}");
    }

    [Fact]
    public void Every_relative_link_of_the_documentation_leads_somewhere()
    {
        List<string> broken = [];
        foreach ((string file, int line, string text) in Lines())
        {
            foreach (Match match in Regex.Matches(text, @"\]\(([^)#\s]+)(#[^)]*)?\)"))
            {
                string target = match.Groups[1].Value;
                string folder = Path.GetDirectoryName(file)!.Replace('\\', '/');
                if (!target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal) && !Exists($"{folder}/{target}"))
                {
                    broken.Add($"{file}:{line}: {target}");
                }
            }
        }

        Assert.True(broken.Count == 0, $"Links that lead nowhere:\n{string.Join('\n', broken)}");
    }

    private static bool Exists(string path) => Path.Exists(Path.Combine(Repository.Root, path.TrimStart('/')));

    private static IEnumerable<(string File, int Line, string Text)> Lines()
    {
        foreach (string file in Repository.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal)))
        {
            int line = 0;
            foreach (string text in File.ReadLines(Path.Combine(Repository.Root, file)))
            {
                yield return (file, ++line, text);
            }
        }
    }
}
