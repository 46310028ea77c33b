namespace DistNet.Tests;

/// <summary>A folder of its own for one test, removed at its end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("distnet-test-").FullName;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    // In place: ext4 brings a file that was emptied and filled again to the disk at once, which takes milliseconds.
    public string Write(string name, byte[] content)
    {
        using FileStream file = new(this[name], FileMode.OpenOrCreate, FileAccess.Write);
        file.Write(content);
        file.SetLength(content.Length);
        return this[name];
    }

    public string Write(string name, string content) => Write(name, System.Text.Encoding.UTF8.GetBytes(content));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
